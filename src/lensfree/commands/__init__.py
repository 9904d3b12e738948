"""The command `lensfree`: what a person does with results outside of the workflow."""
