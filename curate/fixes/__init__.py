"""What becomes of the rows that checks flag: findings turned into decisions, within a guard."""
