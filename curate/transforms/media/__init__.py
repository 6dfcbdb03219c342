"""What the transforms of images, sound and video share: files read, changed and written in blocks."""
