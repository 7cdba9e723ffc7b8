"""The core for asyncio. Written by hand; its blocking twin is made from it by tools/twins.py."""
