"""Pure: decides, never acts. Frozen values in, frozen values out."""
