"""The code that is packaged with a function and runs inside its process. It needs boto3 only."""
