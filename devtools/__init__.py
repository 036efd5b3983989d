"""What keeps the checkout in order: the checks that `inv test` runs, and the lock."""
