"""Encoders: what turns a row's input into a vector whose direction says what the row is about."""
