"""The commands, one a file: each reads, calls the verb and prints. Nothing heavy is imported before it is needed."""
