"""Its place puts this folder on the path: what several folders of tests share lies here."""
