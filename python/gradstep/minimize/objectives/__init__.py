"""What is minimized, as the methods see it: functions, machine code, sums of squares and losses over data, with their
derivatives, bounds and structure of x0.
"""
