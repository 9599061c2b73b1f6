"""What turns words and categories into numbers before a model: in Python, on NumPy's arrays of str."""
