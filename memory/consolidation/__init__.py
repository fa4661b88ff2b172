"""What a memory makes of its records when it is idle: facts, notes and profiles. All of it can be dropped and made again."""
