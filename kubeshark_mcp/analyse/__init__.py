"""What entries mean: judgements in words, with the numbers behind them. Takes columns and KFL rows."""
