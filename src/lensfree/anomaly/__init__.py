"""StArDusTS: windows, forecast errors, thresholds, scores, and the baselines to beat."""
