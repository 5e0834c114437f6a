"""`python -m uwf`: the same as the command `uwf`."""

if __name__ == "__main__":
    try:
        from uwf.cli.main import leave

        leave()
    except KeyboardInterrupt:  # Ctrl-C while it was still being loaded
        raise SystemExit(130) from None
    except MemoryError:
        raise SystemExit("error: this shell has no memory for uwf") from None
