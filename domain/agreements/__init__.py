"""The agreement of two boards: meetings, agendas, votes, renewal."""
