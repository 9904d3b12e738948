"""What the scores of tracks mean, in the words of docs/accuracy.md."""

MEANINGS = {
    "link_f1": "F1 of links, mother to daughter included (traccuracy)",
    "division_f1": "F1 of divisions within 3 frames (traccuracy)",
    "division_precision": "precision of divisions within 3 frames (traccuracy)",
    "division_recall": "recall of divisions within 3 frames (traccuracy)",
    "complete_tracks": "share of true cells without a wrong link (traccuracy)",
    "md30": "share of true mother and daughter histories of 30 h or more without a wrong link",
}
