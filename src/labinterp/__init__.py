"""Raw laboratory results in, traced findings on nutritional causes of muscle fasciculation out."""
