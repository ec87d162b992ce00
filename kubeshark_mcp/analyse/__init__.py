"""What entries mean: judgements in words, with the numbers behind them. Takes KFL rows; may import model and errors."""
