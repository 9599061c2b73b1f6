"""What every layer is: settings, weights, calls, masks, copies, and layers of the user's own."""
