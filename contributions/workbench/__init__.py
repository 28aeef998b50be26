"""The collectors' pages in the workbench."""
