import sys, os
from pantry.report import report
from pantry.shopping import shopping_list
from pantry import stock
import argparse


def main():
    parser = argparse.ArgumentParser(prog="pantry")
    parser.add_argument("file")
    parser.add_argument("--buy", action="store_true")
    options = parser.parse_args()
    found = stock.load(options.file)
    if options.buy == True:
        print("\n".join(shopping_list(found)))
    else:
        print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
