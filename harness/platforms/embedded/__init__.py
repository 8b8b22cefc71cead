"""The embedded platform: the whole pipeline in this process, in virtual time, with AWS's services imitated."""
