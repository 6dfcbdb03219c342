"""What the steps that weigh rows and classes are made of."""
