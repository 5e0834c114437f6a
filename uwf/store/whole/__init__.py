"""What is done to a store as a whole, whichever it is: walked, checked, cleaned, copied; saved, restored, bundled."""
