"""Builds everything and applies what rooms command. Imported by nothing but the command line."""
