"""Evaluation of what was generated: pictures against pictures, texts against a person. Records, no printing."""
