"""The demo shop: a real catalog, real households, drawn products, and the tag as any shop would carry it."""
