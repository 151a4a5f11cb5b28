"""The pictures of docs/screenshots, the icons, and the measurement of pages, all by Chromium."""
