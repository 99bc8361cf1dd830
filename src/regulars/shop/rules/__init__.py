"""What the ground decides: values in, values out."""
