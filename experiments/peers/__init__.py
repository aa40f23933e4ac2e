"""The same measurements by other packages: `export` writes them, and a script per peer runs it."""
