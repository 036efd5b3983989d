"""Virtual machines that stand for a Linux board: their images, and starting and stopping them."""
