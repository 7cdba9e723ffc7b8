"""Audit for asyncio. The blocking twins are made from these by tools/twins.py."""
