"""What labels of rows are judged by: methods, their ensemble, and the forms that a label takes."""
