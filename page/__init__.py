"""What the page says, shows and allows; serve.py puts it on the screen with Gradio."""
