"""Methods of `minimize`, a file each."""
