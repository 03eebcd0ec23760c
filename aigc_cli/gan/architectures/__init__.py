"""The networks of faces, and the layers that they are made of."""
