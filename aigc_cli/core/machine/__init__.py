"""One machine or many: what differs, and who trains with whom."""
