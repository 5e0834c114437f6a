"""What GitHub, Gitea and Forgejo say, and how they are asked."""
