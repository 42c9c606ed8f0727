"""How each concept and each setting is drawn."""
