"""What texts are judged by: their form, endings, language and wording."""
