"""What is packaged with a function and runs inside its process. Needs boto3 only."""
