"""The repositories for asyncio. Their blocking twins are made from them by tools/twins.py."""
