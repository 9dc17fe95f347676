@rem npm start says "exec node ..." so that signals reach dohle itself; cmd.exe has no exec but finds this.
@%*
