"""Lists beside the data: of classes, of the labels of files, of splits."""
