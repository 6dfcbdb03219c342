"""Who makes the batches: this process, threads that share its memory, or processes that are watched and replaced."""
