from pantry.stock import Stock, Item
from pantry.shopping import shopping_list
from pantry.units import in_grams
import unittest
import os


class StockTest(unittest.TestCase):
    def setUp(self):
        self.stock = Stock([Item("rice", 1, 2), Item("salt", 3), Item("tea", 0, 1)])

    def test_no_more_is_taken_than_there_is(self):
        self.assertEqual(self.stock.take("salt", 5), 3)
        self.assertEqual(self.stock.take("pepper"), 0)

    def test_what_runs_low_is_bought(self):
        self.assertEqual(shopping_list(self.stock, ["milk"]), ["3 x rice", "2 x tea", "milk"])

    def test_weights(self):
        self.assertEqual(in_grams("2 kg"), 2000.0)


if __name__ == "__main__":
    unittest.main()
