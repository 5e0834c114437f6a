from pantry.stock import Item, Stock
from pantry.shopping import shopping_list

__all__ = ["Item", "Stock", "shopping_list"]
