"""What happens: the verbs that every face calls, and the rules that hold for all of them."""
