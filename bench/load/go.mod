module dohle/load

go 1.21
