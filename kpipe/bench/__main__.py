"""The process of one backend: ``python -m kpipe.bench``, which takes its task from standard input, and tells."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from typing import Any

from kpipe.bench.measure import Task, measure
from kpipe.errors import KpipeError
from kpipe.process import end_with_input, talk

LONGEST = 300


def main() -> None:
    """Tells what is being done, and in the end what was measured or why not, a line each."""
    stream = talk()

    def tell(**event: Any) -> None:
        stream.write(json.dumps(event) + "\n")
        stream.flush()

    task = Task.model_validate_json(sys.stdin.readline())
    threading.Thread(target=end_with_input, daemon=True).start()
    try:
        row = measure(task, lambda words: tell(doing=words))
        tell(measured=row.model_dump(mode="json"))
    except KpipeError as error:
        tell(failed=error.message[:LONGEST])
    except BaseException as error:  # noqa: BLE001  whatever it is, the others are still measured
        traceback.print_exc()
        first = str(error).strip().partition("\n")[0]
        tell(failed=f"{type(error).__name__}: {first}"[:LONGEST])
    os._exit(0)  # engines need seconds to end in order


if __name__ == "__main__":
    main()
