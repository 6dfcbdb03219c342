"""What images are judged by: their form and their light."""
