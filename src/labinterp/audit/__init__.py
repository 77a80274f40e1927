"""What a data set would come to, before anybody interprets it."""
