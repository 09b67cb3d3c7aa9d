"""What the trainings share as code: batches, schedules, stages, and what ``fit`` may choose."""
